import type { Limit } from 'holdfast'

export const reading: Limit = { name: 'crm-read', quota: 600, windowSeconds: 60 }
export const writing: Limit = { name: 'crm-write', quota: 300, windowSeconds: 60 }
/** Whole files, in and out. */
export const files: Limit = { name: 'crm-files', quota: 60, windowSeconds: 60 }
