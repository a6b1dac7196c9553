import { html, render, type TemplateResult } from 'lit';

export type IconName =
  | 'add'
  | 'barcode'
  | 'camera'
  | 'cart'
  | 'chart'
  | 'check'
  | 'close'
  | 'cloud'
  | 'copy'
  | 'down'
  | 'lock'
  | 'minus'
  | 'park'
  | 'phone'
  | 'photo'
  | 'print'
  | 'refresh'
  | 'scan'
  | 'search'
  | 'settings'
  | 'share'
  | 'tag'
  | 'teach'
  | 'torch'
  | 'trash'
  | 'undo';

/**
 * The sprite: every icon once, on a grid of 24 by 24, drawn by the stylesheet's lines. It is part of the page, because a file of its
 * own would be missing without a network: browsers fetch it past the service worker.
 */
const SPRITE = html`<svg hidden aria-hidden="true">
    <symbol id="icon-add" viewBox="0 0 24 24"><path d="M12 5v14M5 12h14"/></symbol>
    <symbol id="icon-barcode" viewBox="0 0 24 24"><path d="M4 6v12M7 6v12M10 6v9M13 6v12M16 6v9M19 6v12"/></symbol>
    <symbol id="icon-camera" viewBox="0 0 24 24"><path d="M4 8h4l1.5-2.5h5L16 8h4v11H4z"/><circle cx="12" cy="13" r="3.5"/></symbol>
    <symbol id="icon-cart" viewBox="0 0 24 24"><path d="M3 4h2l2.4 11h10.2L20 8H6"/><circle cx="9" cy="19" r="1.5"/><circle cx="17" cy="19" r="1.5"/></symbol>
    <symbol id="icon-chart" viewBox="0 0 24 24"><path d="M4 4v16h16M8 16v-4M12 16V8M16 16v-6"/></symbol>
    <symbol id="icon-check" viewBox="0 0 24 24"><path d="m5 13 4 4L19 7"/></symbol>
    <symbol id="icon-close" viewBox="0 0 24 24"><path d="m6 6 12 12M18 6 6 18"/></symbol>
    <symbol id="icon-cloud" viewBox="0 0 24 24"><path d="M7 18a4 4 0 0 1 0-8 5 5 0 0 1 10-1 4.5 4.5 0 0 1 0 9M12 20v-7m-3 3 3-3 3 3"/></symbol>
    <symbol id="icon-copy" viewBox="0 0 24 24"><path d="M9 9h11v11H9zM15 9V4H4v11h5"/></symbol>
    <symbol id="icon-down" viewBox="0 0 24 24"><path d="m6 9 6 6 6-6"/></symbol>
    <symbol id="icon-lock" viewBox="0 0 24 24"><path d="M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3"/></symbol>
    <symbol id="icon-minus" viewBox="0 0 24 24"><path d="M5 12h14"/></symbol>
    <symbol id="icon-park" viewBox="0 0 24 24"><path d="M9 5v14M15 5v14"/></symbol>
    <symbol id="icon-phone" viewBox="0 0 24 24"><path d="M7 3h10v18H7zM11 18h2"/></symbol>
    <symbol id="icon-photo" viewBox="0 0 24 24"><path d="M4 5h16v14H4z"/><circle cx="9" cy="10" r="1.5"/><path d="m5 18 5-5 3 3 3-3 4 4"/></symbol>
    <symbol id="icon-print" viewBox="0 0 24 24"><path d="M7 9V4h10v5M7 17H4V9h16v8h-3M7 14h10v6H7z"/></symbol>
    <symbol id="icon-refresh" viewBox="0 0 24 24"><path d="M20 5v5h-5M4 19v-5h5M19 10a7.5 7.5 0 0 0-13-3M5 14a7.5 7.5 0 0 0 13 3"/></symbol>
    <symbol id="icon-scan" viewBox="0 0 24 24"><path d="M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4M7 12h10"/></symbol>
    <symbol id="icon-search" viewBox="0 0 24 24"><circle cx="11" cy="11" r="6"/><path d="m20 20-4.5-4.5"/></symbol>
    <symbol id="icon-settings" viewBox="0 0 24 24"><path d="M4 7h10M18 7h2M4 17h2M10 17h10"/><circle cx="16" cy="7" r="2"/><circle cx="8" cy="17" r="2"/></symbol>
    <symbol id="icon-share" viewBox="0 0 24 24"><path d="M12 15V4m-4 4 4-4 4 4M5 13v7h14v-7"/></symbol>
    <symbol id="icon-tag" viewBox="0 0 24 24"><path d="M4 4h8l8 8-8 8-8-8z"/><circle cx="8.5" cy="8.5" r="1"/></symbol>
    <symbol id="icon-teach" viewBox="0 0 24 24"><path d="m3 9 9-4 9 4-9 4z"/><path d="M7 11v5c3 2 7 2 10 0v-5"/></symbol>
    <symbol id="icon-torch" viewBox="0 0 24 24"><path d="M13 3 6 13h5l-1 8 7-11h-5z"/></symbol>
    <symbol id="icon-trash" viewBox="0 0 24 24"><path d="M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5"/></symbol>
    <symbol id="icon-undo" viewBox="0 0 24 24"><path d="M8 5 4 9l4 4M4 9h10a5 5 0 0 1 0 10H9"/></symbol>
</svg>`;

/** Puts the sprite into the page. Call it once, before anything is drawn. */
export function placeIcons(): void {
  const place = document.createElement('div');
  document.body.prepend(place);
  render(SPRITE, place);
}

/** An icon of the sprite. It says nothing to a screen reader: the control that holds it has a name. */
export function icon(name: IconName): TemplateResult {
  return html`<svg class="icon" aria-hidden="true" focusable="false"><use href="#icon-${name}"></use></svg>`;
}
