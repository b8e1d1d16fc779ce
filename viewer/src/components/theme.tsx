// Light, dark, or as the system says. Kept for the next visit where the browser lets a file keep it.
import { effect, signal } from '@preact/signals';

export type Theme = 'system' | 'light' | 'dark';
const kThemes: readonly Theme[] = ['system', 'light', 'dark'];
const kKey = 'routegauge-theme';

function stored(): Theme {
  try {
    const value = localStorage.getItem(kKey);
    return kThemes.find((theme) => theme === value) ?? 'system';
  } catch {
    return 'system';
  }
}

export const theme = signal<Theme>('system');

export function startTheme(): void {
  theme.value = stored();
  effect(() => {
    const value = theme.value;
    if (value === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = value;
    try {
      localStorage.setItem(kKey, value);
    } catch {
      // A browser that keeps nothing for files: the choice lasts as long as the page.
    }
  });
}

export function ThemeButton() {
  const next = kThemes[(kThemes.indexOf(theme.value) + 1) % kThemes.length]!;
  return (
    <button
      type="button"
      class="quiet theme-button"
      aria-label={`Theme: ${theme.value}`}
      title={`switch to ${next}`}
      onClick={() => (theme.value = next)}
    >
      <span aria-hidden="true">◐ </span>
      <span class="theme-word">Theme: {theme.value}</span>
    </button>
  );
}
