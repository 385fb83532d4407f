import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { createRoot } from 'react-dom/client'
import { createConsoleMessages, SayProvider } from './messages.ts'
import { ShowAgainRegion } from './pages/two-factor/show-again.tsx'
import { type ConsoleOptions, ProductProvider } from './product.ts'
import { createQueryClient } from './queries.ts'
import { createConsoleRouter } from './router.tsx'
import { ConfirmRegion } from './ui/confirm.tsx'
import { TitleProvider } from './ui/page-title.tsx'
import { ToastRegion } from './ui/toast.tsx'
import '@fontsource-variable/hanken-grotesk/index.css'
import './ui/tokens.css'
import './ui/base.css'

/**
 * Draws the console of a product into `<div id="console">`: the way in, the account, the shell, and the app's own
 * pages. Called once, by the entry file that `tools/build-console.ts` builds.
 */
export function startConsole(options: ConsoleOptions): void {
  const place = document.getElementById('console')
  if (!place) throw new Error('startConsole: the page has no <div id="console">')
  const router = createConsoleRouter(options)
  createRoot(place).render(
    <ProductProvider value={options}>
      <SayProvider value={createConsoleMessages(options.messages)}>
        <QueryClientProvider client={createQueryClient()}>
          <TitleProvider value={{ product: options.product.title, visited: { current: false } }}>
            <ToastRegion>
              <ConfirmRegion>
                <ShowAgainRegion>
                  <RouterProvider router={router} />
                </ShowAgainRegion>
              </ConfirmRegion>
            </ToastRegion>
          </TitleProvider>
        </QueryClientProvider>
      </SayProvider>
    </ProductProvider>,
  )
}
