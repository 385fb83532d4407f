import { useQueryClient } from '@tanstack/react-query'
import { Navigate, useLocation, useNavigate } from '@tanstack/react-router'
import { foundation } from '../../foundation.ts'
import { Loaded } from '../../loaded.tsx'
import { useSay } from '../../messages.ts'
import { paths, readReturnPath } from '../../paths.ts'
import { useRead } from '../../queries.ts'
import { useSignOut } from '../../sign-out.ts'
import { Button } from '../../ui/button.tsx'
import { PageTitle } from '../../ui/page-title.tsx'
import { LostFactors } from './recovery.tsx'
import { ShowFactor } from './show-factor.tsx'

/** The second step of signing in. Whoever comes here without the first is led to it. */
export function SecondStepPage() {
  const say = useSay()
  const navigate = useNavigate()
  const answers = useQueryClient()
  const signOut = useSignOut()
  const back = readReturnPath(useLocation().hash)
  const reading = useRead(foundation.secondStep)
  const go = () => {
    answers.clear()
    return navigate({ href: back })
  }
  if (reading.error?.status === 401) return <Navigate to={paths.signIn} replace />
  return (
    <>
      <PageTitle title={say('secondStep.title')}>{say('secondStep.text')}</PageTitle>
      <Loaded of={reading} lines={2}>
        {(step) =>
          step.totp || step.passkey ? <ShowFactor step={step} done={go} /> : <Navigate to={paths.home} replace />
        }
      </Loaded>
      <div className="entrance-other factor-others">
        <LostFactors />
        <Button look="quiet" size="small" onClick={() => void signOut()}>
          {say('secondStep.other')}
        </Button>
      </div>
    </>
  )
}
