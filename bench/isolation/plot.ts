import type { Results } from './isolation.ts'
export function drawPlot(_results: Results): string {
  return '<svg/>'
}
