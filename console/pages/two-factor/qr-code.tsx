import encodeQR from 'qr'
import { useMemo } from 'react'

const border = 4

/** A QR code, drawn as one path. Dark on light in either look: many cameras read no other. `text` stands in the page besides. */
export function QrCode({ text, label }: { readonly text: string; readonly label: string }) {
  const rows = useMemo(() => encodeQR(text, 'raw', { ecc: 'medium', border }), [text])
  const path = rows
    .flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : '')))
    .filter(Boolean)
    .join('')
  return (
    <svg className="qr-code" viewBox={`0 0 ${rows.length} ${rows.length}`} role="img" aria-label={label}>
      <rect width={rows.length} height={rows.length} className="qr-ground" />
      <path d={path} className="qr-dots" />
    </svg>
  )
}
