// Where we are, kept in the address: #/agents?status=idle. A view reads its filters here and writes them here, so every view
// has a link that shows the same to somebody else.

class Router {
  path = $state('/');
  params = $state<Record<string, string>>({});

  constructor() {
    this.read();
    window.addEventListener('hashchange', () => this.read());
  }

  private read(): void {
    const [path, query] = location.hash.replace(/^#/, '').split('?', 2);
    this.path = path || '/';
    this.params = Object.fromEntries(new URLSearchParams(query ?? ''));
  }

  /** The address of a view; empty parameters are left out. */
  href(path: string, params: Record<string, string | undefined> = {}): string {
    const query = new URLSearchParams();
    for (const [key, value] of Object.entries(params)) if (value) query.set(key, value);
    const text = query.toString();
    return `#${path}${text ? `?${text}` : ''}`;
  }

  go(path: string, params: Record<string, string | undefined> = {}): void {
    location.hash = this.href(path, params);
  }

  /** Changes parameters of this view without a step in the browser's history. */
  set(changes: Record<string, string | undefined>): void {
    const url = this.href(this.path, { ...this.params, ...changes });
    history.replaceState(null, '', url);
    this.read();
  }
}

export const router = new Router();
