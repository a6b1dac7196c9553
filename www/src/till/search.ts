import type { Product } from './catalogue';

/** Products whose name or id begins a word with what was typed, or whose barcode begins with its digits; the best first. */
export function search(products: readonly Product[], typed: string, most = 30): Product[] {
  const wanted = fold(typed);
  if (wanted === '') return products.slice(0, most);
  const digits = /^\d{3,}$/.test(wanted);
  const found = products.flatMap((product) => {
    if (digits && product.barcode?.startsWith(wanted)) return [{ product, rank: 0 }];
    const name = fold(product.name);
    const rank = name.startsWith(wanted) ? 1 : ` ${name}`.includes(` ${wanted}`) ? 2 : name.includes(wanted) ? 3 : 4;
    if (rank < 4) return [{ product, rank }];
    return fold(product.label).includes(wanted) ? [{ product, rank: 4 }] : [];
  });
  return found
    .sort((a, b) => a.rank - b.rank)
    .slice(0, most)
    .map(({ product }) => product);
}

/** Without case and accents. */
function fold(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().trim();
}
