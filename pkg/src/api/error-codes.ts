import { CORE_ERROR_CODES } from '../wasm/error-codes.js';

/**
 * Every code that an error of this package can have. Error classes, their names and their exports derive from this list,
 * most of which is generated from the Rust library. A code never changes its meaning once released.
 */
export const ERROR_CODES = [
  ...CORE_ERROR_CODES,
  /** `dispose()` was called. */
  'DISPOSED',
  /** Too many pictures wait to be recognised: await earlier calls first. This one was not queued. */
  'BUSY',
] as const;

/** One of {@link ERROR_CODES}. */
export type JichoErrorCode = (typeof ERROR_CODES)[number];

/** What this package throws and rejects with. `code` is for programs, `message` for people. */
export class JichoError extends Error {
  /** Tells what went wrong by what the caller can do about it. */
  readonly code: JichoErrorCode;

  constructor(code: JichoErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    // Derived from the code, because a minifier renames classes.
    this.name = className(code);
  }
}

type Words<C extends string> = C extends `${infer First}_${infer Rest}`
  ? `${Capitalize<Lowercase<First>>}${Words<Rest>}`
  : Capitalize<Lowercase<C>>;
type ClassName<C extends JichoErrorCode> = `${Words<C>}Error`;
type ErrorClass<C extends JichoErrorCode> = new (
  message: string,
  options?: ErrorOptions,
) => JichoError & { readonly code: C };
type ErrorClasses = { readonly [C in JichoErrorCode as ClassName<C>]: ErrorClass<C> };

function className<C extends JichoErrorCode>(code: C): ClassName<C> {
  const words = code.toLowerCase().replace(/(?:^|_)([a-z])/g, (_, first: string) => first.toUpperCase());
  return `${words}Error` as ClassName<C>;
}

/** One class for each code, so that `instanceof` works too: `InvalidFrameError` for `INVALID_FRAME`, and so on. */
export const ERROR_CLASSES = Object.fromEntries(
  ERROR_CODES.map((code) => {
    const OfCode = class extends JichoError {
      constructor(message: string, options?: ErrorOptions) {
        super(code, message, options);
      }
    };
    return [className(code), OfCode];
  }),
) as unknown as ErrorClasses;

/** Whether a thrown value is the plain `{ code, message }` of the wasm module or of a worker, with a code that is known here. */
export function isFailure(thrown: unknown): thrown is { code: JichoErrorCode; message: string } {
  const { code, message } = (thrown ?? {}) as { code?: unknown; message?: unknown };
  return typeof code === 'string' && (ERROR_CODES as readonly string[]).includes(code) && typeof message === 'string';
}

/** The error of a code's own class. A code that this version does not know, as of a newer worker, is a defect here. */
export function errorOf(code: string, message: string, options?: ErrorOptions): JichoError {
  if (!isFailure({ code, message })) return new ERROR_CLASSES.InternalError(`${code}: ${message}`, options);
  return new ERROR_CLASSES[className(code as JichoErrorCode)](message, options);
}
