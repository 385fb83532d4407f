/** The browser side for apps: everything that a page may use. Imported as `holdfast/console`. */
export { type Call, type Client, createClient, type RouteTable, type Sending } from './client.ts'
export { Loaded } from './loaded.tsx'
export type { OtherWords } from './messages.ts'
export { PageLink, useGo, usePageAddress, usePageParams, usePageSearch } from './page-link.tsx'
export type { PathParams, People } from './paths.ts'
export { useMay, useMe, useOrganisation } from './person.ts'
export { Problem, type ProblemField } from './problem.ts'
export { NotFoundPage, ProblemPage } from './problem-page.tsx'
export type { ConsoleOptions, Page, RoleWords } from './product.ts'
export { type Known, useRead, useReadAnew, useReadMore, useWrite, type Write } from './queries.ts'
export { useReport } from './report.ts'
export { startConsole } from './start.tsx'
export { createMessages, type Say, type Text } from './text.ts'
export { Button, type ButtonProps } from './ui/button.tsx'
export { type Confirm, type Question, useConfirm } from './ui/confirm.tsx'
export { Dialog } from './ui/dialog.tsx'
export { EmptyState } from './ui/empty-state.tsx'
export {
  type Bound,
  Checkbox,
  Field,
  type FieldProps,
  FileField,
  type Option,
  Radios,
  Select,
  TextArea,
  TextField,
} from './ui/field.tsx'
export { Form, type FormState, useForm } from './ui/form.tsx'
export { Mark } from './ui/mark.tsx'
export { Menu, MenuItem } from './ui/menu.tsx'
export { Notice } from './ui/notice.tsx'
export { PageTitle } from './ui/page-title.tsx'
export { LoadMore, Pagination } from './ui/pagination.tsx'
export { ProblemNotice } from './ui/problem-notice.tsx'
export { ProgressBar } from './ui/progress-bar.tsx'
export { Day, RelativeTime } from './ui/relative-time.tsx'
export { SearchBox } from './ui/search-box.tsx'
export { Sign, type SignKind } from './ui/sign.tsx'
export { Skeleton } from './ui/skeleton.tsx'
export { Spinner } from './ui/spinner.tsx'
export { type Column, Table } from './ui/table.tsx'
export { type Tab, Tabs } from './ui/tabs.tsx'
export { type Toast, useToast } from './ui/toast.tsx'
