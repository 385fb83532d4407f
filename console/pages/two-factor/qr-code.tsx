/**
 * A QR code, drawn as one path. `rows`: a text of 0 and 1 each, with the quiet zone around. Dark on light in either look: many
 * cameras read no other. What it says stands in the page besides.
 */
export function QrCode({ rows, label }: { readonly rows: readonly string[]; readonly label: string }) {
  const path = rows.flatMap((row, y) => [...row].map((dot, x) => (dot === '1' ? `M${x} ${y}h1v1h-1z` : ''))).join('')
  return (
    <svg className="qr-code" viewBox={`0 0 ${rows.length} ${rows.length}`} role="img" aria-label={label}>
      <rect width={rows.length} height={rows.length} className="qr-ground" />
      <path d={path} className="qr-dots" />
    </svg>
  )
}
