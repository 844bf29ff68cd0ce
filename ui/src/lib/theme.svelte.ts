// Dark and light: the system's choice until somebody makes another, which this browser remembers.
type Theme = 'system' | 'light' | 'dark';
const KEY = 'choregos.theme';

class ThemeSwitch {
  value = $state<Theme>('system');
  constructor() {
    const kept = localStorage.getItem(KEY);
    if (kept === 'light' || kept === 'dark') this.set(kept);
  }
  set(value: Theme): void {
    this.value = value;
    if (value === 'system') {
      localStorage.removeItem(KEY);
      delete document.documentElement.dataset['theme'];
    } else {
      localStorage.setItem(KEY, value);
      document.documentElement.dataset['theme'] = value;
    }
  }
  next(): void {
    this.set(this.value === 'system' ? 'dark' : this.value === 'dark' ? 'light' : 'system');
  }
}
export const theme = new ThemeSwitch();
