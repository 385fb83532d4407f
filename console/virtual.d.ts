/** Made by the build: method and path of every route of the product, by name. */
declare module 'virtual:holdfast-routes' {
  const table: Readonly<Record<string, readonly [method: string, path: string]>>
  export default table
}

declare module '*.css'
