import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { foundation } from '../../foundation.ts'
import { useSay } from '../../messages.ts'
import { pageAddress } from '../../paths.ts'
import { useFirstPage, useMe } from '../../person.ts'
import { Button } from '../../ui/button.tsx'
import { TextField } from '../../ui/field.tsx'
import { Form, useForm } from '../../ui/form.tsx'
import { PageTitle } from '../../ui/page-title.tsx'

export function NewOrganisationPage() {
  const say = useSay()
  const navigate = useNavigate()
  const answers = useQueryClient()
  const firstPage = useFirstPage()
  const first = useMe().data?.organisations.length === 0
  const form = useForm({
    values: { name: '' },
    submit: (body, idempotencyKey) => foundation.createOrganisation({ body, idempotencyKey }),
    done: async ({ id }) => {
      await answers.invalidateQueries()
      await navigate({ to: pageAddress('organisations', id, firstPage) })
    },
  })
  return (
    <section className="narrow">
      <PageTitle title={say('newOrganisation.title')}>
        {first ? say('newOrganisation.first') : say('newOrganisation.more')}
      </PageTitle>
      <Form
        form={form}
        actions={
          <Button look="primary" type="submit" busy={form.busy}>
            {say('newOrganisation.act')}
          </Button>
        }
      >
        <TextField
          {...form.field('name')}
          label={say('newOrganisation.name')}
          autoComplete="organization"
          maxLength={200}
          required
        />
      </Form>
    </section>
  )
}
