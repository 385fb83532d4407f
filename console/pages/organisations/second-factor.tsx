import { Link } from '@tanstack/react-router'
import { foundation, type Member } from '../../foundation.ts'
import { useSay } from '../../messages.ts'
import { paths } from '../../paths.ts'
import { useWrite } from '../../queries.ts'
import { useReport } from '../../report.ts'
import { Button } from '../../ui/button.tsx'
import { useConfirm } from '../../ui/confirm.tsx'
import { Sign } from '../../ui/sign.tsx'
import { useToast } from '../../ui/toast.tsx'

type Factors = Awaited<ReturnType<typeof foundation.secondFactors>>

/** Whether a second factor is demanded of everybody, and the switch. */
export function Mandate({ factors }: { readonly factors: Factors }) {
  const say = useSay()
  const confirm = useConfirm()
  const report = useReport()
  const demand = useWrite(foundation.demandSecondFactor)
  const { demanded, without: count, own } = factors
  const act = async () => {
    const question = demanded
      ? { title: say('mandate.offTitle'), text: say('mandate.offText'), act: say('mandate.turnOff') }
      : {
          title: say('mandate.onTitle'),
          text: count > 0 ? say('mandate.onText', { count }) : say('mandate.on'),
          act: say('mandate.turnOn'),
        }
    if (await confirm(question)) await report(demand.send({ body: { demanded: !demanded } }), () => undefined)
  }
  return (
    <section className="mandate" aria-labelledby="mandate">
      <div>
        <h2 id="mandate">{say('mandate.title')}</h2>
        <p className="quiet-text">{say(demanded ? 'mandate.on' : 'mandate.off')}</p>
        {!own && !demanded && (
          <p>
            <Link to={paths.factors}>{say('mandate.ownFirst')}</Link>
          </p>
        )}
      </div>
      <Button busy={demand.busy} disabledReason={!own && !demanded && say('mandate.ownFirst')} onClick={act}>
        {say(demanded ? 'mandate.turnOff' : 'mandate.turnOn')}
      </Button>
    </section>
  )
}

/** By word and shape, never by colour alone. */
export function HasFactor({ has }: { readonly has: boolean }) {
  const say = useSay()
  return (
    <span className="has-factor">
      <Sign kind={has ? 'done' : 'care'} />
      {say(has ? 'members.hasFactor' : 'members.lacksFactor')}
    </span>
  )
}

export function ResetFactors({ member }: { readonly member: Member }) {
  const say = useSay()
  const confirm = useConfirm()
  const toast = useToast()
  const report = useReport()
  const reset = useWrite(foundation.resetFactors)
  const { name, person } = member
  const act = async () => {
    const question = {
      title: say('members.resetTitle', { name }),
      text: say('members.resetText', { name }),
      act: say('members.reset'),
    }
    if (!(await confirm(question))) return
    await report(reset.send({ params: { person }, body: {} }), () => toast(say('members.wasReset', { name })))
  }
  return (
    <Button look="quiet" size="small" busy={reset.busy} aria-label={`${say('members.reset')}: ${name}`} onClick={act}>
      {say('members.reset')}
    </Button>
  )
}
