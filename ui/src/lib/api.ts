// Asking the daemon. The token, when one is needed, lives in memory alone: closing the page forgets it.

export class Problem extends Error {
  constructor(
    readonly status: number,
    title: string,
    readonly detail: string,
  ) {
    super(detail || title);
  }
}

let token = '';
export function setToken(value: string): void {
  token = value.trim();
}
export function authorization(): Record<string, string> {
  return token ? { Authorization: `Bearer ${token}` } : {};
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await fetch(`/api/v1${path}`, { headers: { Accept: 'application/json', ...authorization() }, ...(signal ? { signal } : {}) });
  if (!response.ok) throw await problemOf(response);
  return (await response.json()) as T;
}

export async function post(path: string, body: unknown): Promise<void> {
  const response = await fetch(`/api/v1${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...authorization() },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw await problemOf(response);
}

async function problemOf(response: Response): Promise<Problem> {
  try {
    const body = (await response.json()) as { title?: string; detail?: string };
    return new Problem(response.status, body.title ?? response.statusText, body.detail ?? '');
  } catch {
    return new Problem(response.status, response.statusText, '');
  }
}
