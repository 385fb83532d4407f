import type { Product } from './product.ts'

/** The two example products, which use only what the package exports: loaded by path, so that nothing here depends on them. */
export async function demoProducts(): Promise<readonly Product[]> {
  const load = async (name: string): Promise<Product> => {
    const module = (await import(new URL(`../../examples/${name}/${name}.ts`, import.meta.url).href)) as Record<
      string,
      Product
    >
    return module[name]!
  }
  return Promise.all([load('crm'), load('study')])
}
