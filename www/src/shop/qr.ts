import { html, type TemplateResult } from 'lit';
import { encode } from 'uqr';

/** A text as a QR code. It is black on white whatever the theme is, because many readers take no other. */
export function qr(text: string, name: string): TemplateResult {
  const { data, size } = encode(text, { border: 4 });
  const path = data.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : ''))).join('');
  return html`<svg class="qr" role="img" aria-label=${name} viewBox="0 0 ${size} ${size}" shape-rendering="crispEdges">
    <rect class="qr-paper" width=${size} height=${size}></rect><path class="qr-ink" d=${path}></path>
  </svg>`;
}
