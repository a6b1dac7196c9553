/** What the tabs that have the same channel open tell each other. */
export type TabMessage =
  /** Another release is stored now. */
  | { type: 'updated' }
  /** All that the device had of the channel is gone. */
  | { type: 'cleared' }
  /** Other lessons are kept now. */
  | { type: 'taught' }
  /** The measures start anew. */
  | { type: 'reset' };

/** The line to the other tabs. Where the browser has no BroadcastChannel, nobody is on it. */
export class Tabs {
  readonly #line: BroadcastChannel | undefined;

  constructor(name: string, onMessage: (message: TabMessage) => void) {
    try {
      this.#line = new BroadcastChannel(name);
      this.#line.onmessage = (event: MessageEvent<TabMessage>) => onMessage(event.data);
    } catch {
      // It is missing, or storage is blocked for this page.
    }
  }

  tell(message: TabMessage): void {
    this.#line?.postMessage(message);
  }

  close(): void {
    this.#line?.close();
  }
}
