// What no stream tells: asked every few seconds while a view shows it, kept while the daemon is away.
import { get, Problem } from './api';
import type { ExpectedFound, SourceHealth } from './types';

class Polled<T> {
  value = $state.raw<T | null>(null);
  problem = $state('');
  private users = 0;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly load: () => Promise<T>,
    private readonly period_ms: number,
  ) {}

  /** For an effect: asks from now on, until what it returns is called. */
  use(): () => void {
    if (++this.users === 1) {
      void this.ask();
      this.timer = setInterval(() => void this.ask(), this.period_ms);
    }
    return () => {
      if (--this.users === 0) clearInterval(this.timer);
    };
  }

  private async ask(): Promise<void> {
    try {
      this.value = await this.load();
      this.problem = '';
    } catch (error) {
      // A daemon that is away is the banner's to tell; what was known stays.
      this.problem = error instanceof Problem ? error.message : '';
    }
  }
}

export const sources = new Polled<SourceHealth[]>(async () => (await get<{ sources: SourceHealth[] }>('/sources')).sources, 2500);
export const expected = new Polled<ExpectedFound>(() => get<ExpectedFound>('/expected'), 2500);
