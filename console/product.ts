import { type ComponentType, createContext, useContext } from 'react'
import type { OtherWords } from './messages.ts'
import type { People } from './paths.ts'

/** One page of the app. */
export interface Page {
  /** Below the organisation: `/contacts`, `/contacts/$contact`. `$name` marks a parameter. */
  readonly path: string
  /** Stands in the navigation. The page's own heading is its own affair. */
  readonly title: string
  /** The permission without which neither the page nor its place in the navigation is shown. The server decides anyway. */
  readonly needs?: string
  /** True: it stands in the navigation, in the order of the list. The first one is where sign-in leads. */
  readonly nav?: boolean
  readonly component: ComponentType
}

export interface RoleWords {
  /** As the product's definition names it. */
  readonly name: string
  readonly title: string
  /** What it may do, in a few words. */
  readonly hint: string
}

/** What an app hands to `startConsole`. */
export interface ConsoleOptions {
  readonly product: { readonly name: string; readonly title: string }
  readonly people: People
  readonly pages: readonly Page[]
  /**
   * The product's roles in words, the weakest first; the last one is offered only to those who have it. Left out:
   * viewer, member, admin and owner.
   */
  readonly roles?: readonly RoleWords[]
  /** Other words for texts of the console, by key. */
  readonly messages?: OtherWords
}

const ProductContext = createContext<ConsoleOptions | undefined>(undefined)
export const ProductProvider = ProductContext.Provider

export function useProduct(): ConsoleOptions {
  const product = useContext(ProductContext)
  if (!product) throw new Error('This works below startConsole only')
  return product
}
