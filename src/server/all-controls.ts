import { controls } from '../controls.ts'
import type { Control } from '../kernel/control.ts'
import { proving } from '../proving/control.ts'

/** The controls in their order, and after them the page itself, which is drawn from what they claim. */
export const allControls: readonly Control[] = [...controls, proving]
