/** The camera's state. */
export type CameraState = 'off' | 'starting' | 'live' | 'denied' | 'missing' | 'busy' | 'insecure';

const REASONS: Record<string, CameraState> = {
  NotAllowedError: 'denied',
  SecurityError: 'denied',
  NotFoundError: 'missing',
  OverconstrainedError: 'missing',
};

/** What browsers that can switch the light tell of a track, beyond TypeScript's own types. */
type Capabilities = MediaTrackCapabilities & { torch?: boolean };

/** The rear camera, or a chosen one, shown in a video element while the page is visible. */
export class Camera {
  readonly #video: HTMLVideoElement;
  readonly #onChange: () => void;
  #stream: MediaStream | undefined;
  #state: CameraState = 'off';
  #wanted = false;
  #device: string;
  #torch = false;

  constructor(video: HTMLVideoElement, device: string, onChange: () => void) {
    this.#video = video;
    this.#device = device;
    this.#onChange = onChange;
    // Phones mute or end the track of a hidden page, and rarely restore it: so the camera is closed and opened again.
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) this.#close('off');
      else if (this.#wanted) void this.#open();
    });
  }

  get state(): CameraState {
    return this.#state;
  }

  get video(): HTMLVideoElement {
    return this.#video;
  }

  /** Whether this camera has a light that can be switched. */
  get hasTorch(): boolean {
    return (this.#track?.getCapabilities?.() as Capabilities | undefined)?.torch === true;
  }

  get torch(): boolean {
    return this.#torch;
  }

  /** From now on the camera is on whenever the page is visible. */
  start(): void {
    this.#wanted = true;
    if (!document.hidden) void this.#open();
  }

  stop(): void {
    this.#wanted = false;
    this.#close('off');
  }

  /** Uses the camera of that id from now on; an empty one leaves the choice to the browser. */
  choose(device: string): void {
    this.#device = device;
    this.#close('off');
    if (this.#wanted) this.start();
  }

  /** The cameras of this device. Their names are known once the camera was allowed. */
  async cameras(): Promise<MediaDeviceInfo[]> {
    const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    return devices.filter(({ kind }) => kind === 'videoinput');
  }

  async light(on: boolean): Promise<void> {
    await this.#track?.applyConstraints({ advanced: [{ torch: on } as MediaTrackConstraintSet] });
    this.#torch = on;
    this.#onChange();
  }

  get #track(): MediaStreamTrack | undefined {
    return this.#stream?.getVideoTracks()[0];
  }

  async #open(): Promise<void> {
    if (this.#state === 'starting' || this.#state === 'live') return;
    if (!navigator.mediaDevices) {
      this.#tell('insecure');
      return;
    }
    this.#tell('starting');
    try {
      const which = this.#device ? { deviceId: this.#device } : { facingMode: { ideal: 'environment' } };
      const video = { ...which, width: { ideal: 1280 }, height: { ideal: 720 } };
      const stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
      if (this.#stopped()) {
        end(stream);
        return;
      }
      this.#stream = stream;
      this.#track?.addEventListener('ended', () => this.#lost(stream));
      this.#video.srcObject = stream;
      await this.#video.play();
      if (!this.#stopped()) this.#tell('live');
    } catch (error) {
      if (!this.#stopped()) this.#close(REASONS[(error as Error).name] ?? 'busy');
    }
  }

  /** A camera that was unplugged, or that another app has taken, is opened again as soon as the device has one. */
  #lost(stream: MediaStream): void {
    if (this.#stream !== stream) return;
    this.#close('busy');
    const retry = (): void => {
      if (this.#wanted && !document.hidden) void this.#open();
    };
    navigator.mediaDevices.addEventListener('devicechange', retry, { once: true });
  }

  /** Whether the page was hidden, or the camera stopped, while the camera was starting. */
  #stopped(): boolean {
    return this.#state !== 'starting';
  }

  #close(state: CameraState): void {
    if (this.#stream) end(this.#stream);
    this.#stream = undefined;
    this.#torch = false;
    this.#video.srcObject = null;
    this.#tell(state);
  }

  #tell(state: CameraState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#onChange();
  }
}

function end(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}
