/** Messages between tabs that have the same channel open. */
export type TabMessage =
  /** Another release was stored. */
  | { type: 'updated' }
  /** All stored data of the channel was removed. */
  | { type: 'cleared' }
  /** The stored lessons have changed. */
  | { type: 'taught' }
  /** The measures were reset. */
  | { type: 'reset' };

/** Sends messages to the other tabs of a channel, and receives theirs. Does nothing where there is no BroadcastChannel. */
export class Tabs {
  readonly #channel: BroadcastChannel | undefined;

  constructor(name: string, onMessage: (message: TabMessage) => void) {
    try {
      this.#channel = new BroadcastChannel(name);
      this.#channel.onmessage = (event: MessageEvent<TabMessage>) => onMessage(event.data);
    } catch {
      // The browser has none, or storage is blocked for this page.
    }
  }

  tell(message: TabMessage): void {
    this.#channel?.postMessage(message);
  }

  close(): void {
    this.#channel?.close();
  }
}
