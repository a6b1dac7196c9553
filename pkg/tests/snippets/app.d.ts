// What an app has of its own, for the snippets of the documentation.
// Documents import these once.
declare const Jicho: typeof import('jicho').Jicho;
declare const Vault: typeof import('jicho/vault').Vault;

declare const eye: import('jicho').Jicho;
declare const seen: import('jicho').Recognition;
declare const vault: import('jicho/vault').Vault;

declare const video: HTMLVideoElement;
declare const hint: HTMLElement;
declare const fivePictures: ImageBitmap[];
declare const fiveFrames: ImageBitmap[];
declare const [a, b, c]: ImageBitmap[];
declare const jpeg: Uint8Array<ArrayBuffer>;

declare const channel: string;
declare const models: string;
declare const passphrase: string;
declare const order: { number: string; lines: { product: string; count: number }[] };
declare const catalogue: { id: string }[];
declare const newCatalogue: { id: string }[];
declare const position: GeolocationPosition;
declare const yesterday: Date;
declare const signal: AbortSignal;

declare function show(what: string | number): void;
declare function add(product: string): void;
declare function offer(products: readonly import('jicho').Prediction[]): void;
declare function log(what: unknown): void;
declare function warn(text: string): void;
declare function renewToken(): Promise<string>;
declare function currentToken(): Promise<string>;
declare function post(
  url: string,
  body: unknown,
  options: { headers: HeadersInit; signal: AbortSignal },
): Promise<Response>;
