import { Link, useLocation } from '@tanstack/react-router'
import { useState } from 'react'
import { foundation } from '../../foundation.ts'
import { Loaded } from '../../loaded.tsx'
import { useSay } from '../../messages.ts'
import { paths, readReturnPath } from '../../paths.ts'
import { useRead } from '../../queries.ts'
import { Notice } from '../../ui/notice.tsx'
import { PageTitle } from '../../ui/page-title.tsx'
import { AuthenticatorApp } from './authenticator-app.tsx'
import { Passkeys } from './passkeys.tsx'
import { CodesDialog, RecoveryCodes } from './recovery-codes.tsx'
import './two-factor.css'

type Factors = Awaited<ReturnType<typeof foundation.factors>>
export type Factor = Factors['factors'][number]

/** One's own second factors. */
export function SecurityPage() {
  const say = useSay()
  const reading = useRead(foundation.factors)
  // Above the sections: it must outlive the one that has just been drawn anew.
  const [codes, setCodes] = useState<readonly string[]>([])
  return (
    <div className="security-parts">
      <PageTitle title={say('factors.title')}>{say('factors.text')}</PageTitle>
      <Loaded of={reading} page>
        {(data) => <Sections data={data} shown={setCodes} />}
      </Loaded>
      <CodesDialog codes={codes} onClose={() => setCodes([])} />
    </div>
  )
}

function Sections(props: { readonly data: Factors; readonly shown: (codes: readonly string[]) => void }) {
  const { data, shown } = props
  const say = useSay()
  const { factors, codesLeft, demanded } = data
  const back = readReturnPath(useLocation().hash)
  return (
    <>
      {factors.length === 0 && (
        <Notice kind="care" title={say(demanded ? 'factors.demanded' : 'factors.none')}>
          <p>{say(demanded ? 'factors.demandedText' : 'factors.noneText')}</p>
        </Notice>
      )}
      {factors.length > 0 && back !== paths.home && (
        <Notice kind="done" title={say('factors.back')} actions={<Link to={back}>{say('factors.goBack')}</Link>}>
          <p>{say('factors.backText')}</p>
        </Notice>
      )}
      <AuthenticatorApp factor={factors.find(({ kind }) => kind === 'totp')} shown={shown} />
      <Passkeys passkeys={factors.filter(({ kind }) => kind === 'passkey')} shown={shown} />
      {factors.length > 0 && <RecoveryCodes left={codesLeft} shown={shown} />}
    </>
  )
}
