import type { RefusalKind } from 'holdfast'

export const changedMeanwhile: RefusalKind = {
  code: 'crm/changed-meanwhile',
  status: 409,
  title: 'Somebody changed this since you opened it. Look at it as it is now, then save again.',
}

export const companyExists: RefusalKind = {
  code: 'crm/company-exists',
  status: 409,
  title: 'There is a company of this name already.',
}

/** The same for a company that never was and for one that the caller may not know of. */
export const companyMissing: RefusalKind = {
  code: 'crm/company-missing',
  status: 404,
  title: 'There is no such company (any more). Choose another one.',
}

export const fileUnreadable: RefusalKind = {
  code: 'crm/file-unreadable',
  status: 422,
  title: 'This file cannot be imported.',
}

export const importRunning: RefusalKind = {
  code: 'crm/import-running',
  status: 409,
  title: 'This import has been started already. Upload the file again to import it in another way.',
}

export const importUnmapped: RefusalKind = {
  code: 'crm/import-unmapped',
  status: 409,
  title: 'Say first which column holds what.',
}

export const mappingMisfit: RefusalKind = {
  code: 'crm/mapping-misfit',
  status: 422,
  title: 'The mapping is not for the columns of this file.',
}
