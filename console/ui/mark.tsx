/** The mark: a holdfast, the grip of kelp on rock. */
export function Mark({ size = 28 }: { readonly size?: number }) {
  return (
    <svg className="mark" width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <path d="M16 2v13M16 15c-1 6-7 5-10 13M16 15c-.5 6-3 7-4 13M16 15c1 6 7 5 10 13M16 15c.5 6 3 7 4 13M16 9c4 0 6-2 7-5M16 12c-4 0-6-2-7-5" />
    </svg>
  )
}
