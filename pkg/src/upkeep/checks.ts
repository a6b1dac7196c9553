/** What the schedule needs from its environment: a clock, randomness, timers, and whether the host can be asked now. */
export interface Environment {
  /** Milliseconds since 1970. Jumps either way when the device's clock is set. */
  now(): number;
  /** A random number, at least 0 and less than 1. */
  random(): number;
  /** Calls back once, after that many milliseconds. Returns a function that cancels the timer. */
  after(ms: number, call: () => void): () => void;
  /** Whether the page is visible and the browser reports a network. */
  mayCheck(): boolean;
  /** Calls back whenever {@link mayCheck} may have changed. Returns a function that stops it. */
  onChange(call: () => void): () => void;
}

/** Random share that is added to or taken from each interval, so that devices that were started together do not stay in step. */
const JITTER = 0.2;

/** Milliseconds until a check that did not reach the host is retried. The wait doubles with each failure in a row. */
const FIRST_RETRY = 60_000;

/** Longest timer, in milliseconds. After sleep, or when the clock was set, a longer timer would fire at the wrong time. */
const LONGEST_TIMER = 60_000;

/** Schedules checks for a newer model: one at the start, then one per interval, none while the page is hidden or offline. */
export class Checks {
  readonly #environment: Environment;
  readonly #every: number;
  readonly #check: () => Promise<unknown>;
  #forgetChanges: (() => void) | undefined;
  #nextAt: number | undefined;
  #forgetTimer: (() => void) | undefined;
  #failures = 0;
  #couldCheck = true;
  #checking = false;

  /**
   * @param every Milliseconds from one check to the next.
   * @param check Asks the host. It reports to {@link checked} before its promise settles; otherwise it counts as failed.
   */
  constructor(environment: Environment, every: number, check: () => Promise<unknown>) {
    this.#environment = environment;
    this.#every = every;
    this.#check = check;
  }

  /** When the next check is due, in milliseconds since 1970; null while none is scheduled. */
  get nextAt(): number | null {
    return this.#nextAt ?? null;
  }

  /** Schedules a check for now. */
  start(): void {
    this.#forgetChanges ??= this.#environment.onChange(() => this.#changed());
    this.#nextAt = this.#environment.now();
    this.#arm();
  }

  /** Schedules no check until {@link start} or {@link checked} is called. */
  pause(): void {
    this.#nextAt = undefined;
    this.#forgetTimer?.();
  }

  /** Schedules the next check after the host was asked, automatically or by the app. */
  checked(reached: boolean): void {
    this.#failures = reached ? 0 : this.#failures + 1;
    const wait = reached ? this.#every : Math.min(this.#every, FIRST_RETRY * 2 ** (this.#failures - 1));
    this.#nextAt = this.#environment.now() + wait * (1 - JITTER + 2 * JITTER * this.#environment.random());
    this.#arm();
  }

  /** Stops for good. */
  stop(): void {
    this.pause();
    this.#forgetChanges?.();
  }

  #changed(): void {
    const may = this.#environment.mayCheck();
    // The network is back: retry what may have failed without it.
    if (may && !this.#couldCheck && this.#failures > 0 && this.#nextAt !== undefined)
      this.#nextAt = this.#environment.now();
    this.#arm();
  }

  #arm(): void {
    this.#forgetTimer?.();
    this.#forgetTimer = undefined;
    this.#couldCheck = this.#environment.mayCheck();
    if (this.#nextAt === undefined || this.#checking || !this.#couldCheck) return;
    const now = this.#environment.now();
    // A time farther off than any interval means that the clock was set back.
    this.#nextAt = Math.min(this.#nextAt, now + this.#every * (1 + JITTER));
    const wait = Math.min(Math.max(this.#nextAt - now, 0), LONGEST_TIMER);
    this.#forgetTimer = this.#environment.after(wait, () => this.#wake());
  }

  #wake(): void {
    if (this.#nextAt === undefined) return;
    if (this.#environment.now() < this.#nextAt || !this.#environment.mayCheck()) {
      this.#arm();
      return;
    }
    this.#checking = true;
    const due = this.#nextAt;
    const done = (): void => {
      this.#checking = false;
      if (this.#nextAt === due) this.checked(false);
      else this.#arm();
    };
    this.#check().then(done, done);
  }
}
