import type { Limit } from 'holdfast'

export const reading: Limit = { name: 'study-read', quota: 600, windowSeconds: 60 }
export const writing: Limit = { name: 'study-write', quota: 300, windowSeconds: 60 }
