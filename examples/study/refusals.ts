import type { RefusalKind } from 'holdfast'

export const changedMeanwhile: RefusalKind = {
  code: 'study/changed-meanwhile',
  status: 409,
  title: 'This was changed since you opened it. Look at it as it is now, then try again.',
}

export const cursorOfAnotherList: RefusalKind = {
  code: 'study/cursor-of-another-list',
  status: 400,
  title: 'This place is not in this list. Begin again at its start.',
}
