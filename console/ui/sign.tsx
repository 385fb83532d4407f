import './sign.css'

/** `broken` is what failed or destroys, `care` wants attention, `done` went well, `news` is neutral. */
export type SignKind = 'news' | 'done' | 'care' | 'broken'

const shapes: Record<SignKind, string> = {
  news: 'M10 9v5M10 6v.01',
  done: 'M6 10.4l2.8 2.8L14 7.4',
  care: 'M10 5.5v5.5M10 14v.01',
  broken: 'M7 7l6 6M13 7l-6 6',
}

/** A small drawn sign: a circle for news, a ring with a tick, a diamond for care, a square for what is broken. */
export function Sign({ kind }: { readonly kind: SignKind }) {
  return (
    <svg className={`sign ${kind}`} viewBox="0 0 20 20" aria-hidden="true">
      {kind === 'care' ? (
        <path className="sign-ground" d="M10 .6 19.4 10 10 19.4.6 10Z" />
      ) : kind === 'broken' ? (
        <rect className="sign-ground" x="1.5" y="1.5" width="17" height="17" rx="3" />
      ) : (
        <circle className="sign-ground" cx="10" cy="10" r="9" />
      )}
      <path className="sign-stroke" d={shapes[kind]} />
    </svg>
  )
}
