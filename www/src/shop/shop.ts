import {
  api,
  type Channel,
  type ChannelStatus,
  got,
  type Product,
  Refused,
  type Session,
  useSession,
} from '../api/client';
import { Store } from '../app/store';
import { may, type Permission } from './roles';
import { hashOf, type LinkParts, type Route, readLink, readRoute, type View } from './route';

/** Products that are fetched at once. */
const PAGE = 200;

export type ShopState = 'opening' | 'out' | 'in' | 'unreachable';

/** Who is signed in, the channel that is open, and what several views need of it. */
export class Shop extends Store {
  state: ShopState = 'opening';
  session: Session | null = null;
  /** Why nobody is signed in, where it is not plain. */
  refusal = '';
  channels: Channel[] = [];
  channel: Channel | null = null;
  status: ChannelStatus | null = null;
  /** All products of the channel that are not archived. */
  products: Product[] = [];
  route: Route = readRoute(location.hash);
  /** What a phone that was given a link uploads photos of. */
  upload: Omit<LinkParts, 'link'> | null = null;

  /** Signs in with the link of the address, or goes on with the session that the browser has. */
  async start(): Promise<void> {
    const link = readLink(location.hash);
    if (link) {
      this.upload = { product: link.product, name: link.name };
      sessionStorage.setItem('jicho upload', JSON.stringify(this.upload));
      // The secret must be in no history and no screenshot, whether it holds or not.
      history.replaceState(null, '', location.pathname);
    } else {
      const kept = sessionStorage.getItem('jicho upload');
      if (kept) this.upload = JSON.parse(kept) as Omit<LinkParts, 'link'>;
    }
    addEventListener('hashchange', () => void this.#goTo(readRoute(location.hash)));
    if (link) await this.signIn({ link: link.link });
    else await this.resume();
  }

  may(permission: Permission): boolean {
    return may(this.session?.role, permission);
  }

  /** The id of the open channel, for views that are only shown where there is one. */
  get id(): string {
    return this.channel?.id ?? '';
  }

  /** The session that the browser's cookie stands for. */
  async resume(): Promise<void> {
    try {
      await this.#enter(await got(api.GET('/api/v1/session')));
    } catch (error) {
      const away = error instanceof Refused && error.status === 401;
      this.#leave(away ? 'out' : 'unreachable', '');
    }
  }

  async signIn(by: { link: string } | { key: string }): Promise<void> {
    try {
      await this.#enter(await got(api.POST('/api/v1/session', { body: by })));
    } catch (error) {
      const refused = error instanceof Refused ? error : null;
      this.#leave(refused?.status ? 'out' : 'unreachable', refused?.message ?? String(error));
    }
  }

  async signOut(): Promise<void> {
    sessionStorage.removeItem('jicho upload');
    await got(api.DELETE('/api/v1/session'));
    this.#leave('out', '');
    history.replaceState(null, '', location.pathname);
  }

  /** The service says that the session has ended. */
  ended(): void {
    this.#leave('out', '');
  }

  go(view: View, item = '', channel: string = this.id): void {
    location.hash = hashOf(channel, view, item);
  }

  href(view: View, item = ''): string {
    return hashOf(this.id, view, item);
  }

  async makeChannel(body: { id: string; name: string; settings: { currency: string | null } }): Promise<void> {
    const channel = await got(api.POST('/api/v1/channels', { body }));
    this.channels = [...this.channels, channel];
    this.go('setup', '', channel.id);
  }

  /** Fetches what may have changed of the channel: its products and which model is in force. */
  async refresh(): Promise<void> {
    const { id } = this;
    if (!id) return;
    const path = { channel: id };
    const [status, products] = await Promise.all([
      got(api.GET('/api/v1/channels/{channel}/status', { params: { path } })),
      allProducts(id),
    ]);
    if (id !== this.id) return;
    this.status = status;
    this.products = products;
    this.changed();
  }

  nameOf(product: string): string {
    return this.products.find(({ id }) => id === product)?.name ?? product;
  }

  async changeChannel(change: Parameters<typeof patchChannel>[1]): Promise<void> {
    const channel = await patchChannel(this.id, change);
    this.channel = channel;
    this.channels = this.channels.map((one) => (one.id === channel.id ? channel : one));
    this.changed();
  }

  get #untrained(): boolean {
    return this.status !== null && !this.status.version;
  }

  async #enter(session: Session): Promise<void> {
    useSession(session);
    this.session = session;
    this.refusal = '';
    if (this.may('read')) {
      this.channels = (await got(api.GET('/api/v1/channels', { params: { query: { limit: 500 } } }))).items;
    }
    this.state = 'in';
    await this.#goTo(readRoute(location.hash));
  }

  #leave(state: ShopState, refusal: string): void {
    useSession(null);
    this.session = null;
    this.channel = null;
    this.products = [];
    this.status = null;
    this.state = state;
    this.refusal = refusal;
    this.changed();
  }

  async #goTo(route: Route): Promise<void> {
    const only = this.channels.length === 1 ? this.channels[0] : undefined;
    const channel = this.channels.find(({ id }) => id === route.channel) ?? (route.channel ? undefined : only) ?? null;
    const other = channel?.id !== this.channel?.id;
    this.route = route;
    this.channel = channel;
    if (other) {
      this.products = [];
      this.status = null;
      await this.refresh().catch((error: unknown) => {
        if (error instanceof Refused && error.status === 401) this.ended();
      });
      // Where nothing recognises yet, the way to get there is what is wanted.
      if (channel && this.#untrained && route.view === 'overview' && this.may('edit')) {
        this.route = { ...route, view: 'setup' };
        history.replaceState(null, '', hashOf(channel.id, 'setup'));
      }
    }
    this.changed();
  }
}

export const shop = new Shop();

function patchChannel(channel: string, body: { name?: string; settings?: Channel['settings']; archived?: boolean }) {
  return got(api.PATCH('/api/v1/channels/{channel}', { params: { path: { channel } }, body }));
}

async function allProducts(channel: string): Promise<Product[]> {
  const products: Product[] = [];
  let after: string | undefined;
  do {
    const query = { limit: PAGE, ...(after !== undefined && { after }) };
    const page = await got(api.GET('/api/v1/channels/{channel}/products', { params: { path: { channel }, query } }));
    products.push(...page.items);
    after = page.next ?? undefined;
  } while (after !== undefined);
  return products.sort((a, b) => a.name.localeCompare(b.name));
}
