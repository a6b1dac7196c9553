/**
 * Says something to screen readers, once. The page has one live region; a text that is already there is said again by an
 * empty one before it.
 */
export function announce(text: string): void {
  const region = document.getElementById('announcer');
  if (!region) return;
  region.textContent = '';
  requestAnimationFrame(() => (region.textContent = text));
}
