/** What the user has chosen on this device. */
export interface Settings {
  /** Null leaves the choice to the browser. */
  language: string | null;
  theme: 'system' | 'light' | 'dark' | 'contrast';
  /** Adds a match by itself once it has been held before the camera. */
  autoAdd: boolean;
  /** ISO 4217 code for prices whose product names none. */
  currency: string;
  /** Where finished sales are sent; empty stands for the host that serves the app. */
  salesUrl: string;
  /** The key by which that host knows this device. */
  deviceKey: string;
  /** The camera to use; empty leaves the choice to the browser. */
  camera: string;
}

const DEFAULTS: Settings = {
  language: null,
  theme: 'system',
  autoAdd: false,
  currency: 'EUR',
  salesUrl: '',
  deviceKey: '',
  camera: '',
};

const NAME = 'jicho settings';

export const settings: Readonly<Settings> = { ...DEFAULTS, ...stored() };

/** Changes some settings, here and for the next start. */
export function change(changes: Partial<Settings>): void {
  Object.assign(settings, changes);
  localStorage.setItem(NAME, JSON.stringify(settings));
  applyTheme();
}

export function applyTheme(): void {
  document.documentElement.dataset['theme'] = settings.theme;
}

function stored(): Partial<Settings> {
  try {
    return JSON.parse(localStorage.getItem(NAME) ?? '{}') as Partial<Settings>;
  } catch {
    return {};
  }
}
