/** Numbers for people. */

export function percent(value: number, digits = 1): string {
  return `${value.toFixed(digits)}\u00a0%`;
}

export function probability(value: number): string {
  return percent(100 * value, value > 0.9995 || value < 0.0005 ? 2 : 1);
}

/** With a sign. */
export function points(value: number): string {
  const text = Math.abs(value).toFixed(1);
  return Number(text) === 0 ? text : `${value > 0 ? '+' : '−'}${text}`;
}

export function bytes(value: number): string {
  if (value < 1e6) return `${(value / 1e3).toFixed(0)}\u00a0kB`;
  if (value < 1e9) return `${(value / 1e6).toFixed(value < 1e7 ? 1 : 0)}\u00a0MB`;
  return `${(value / 1e9).toFixed(2)}\u00a0GB`;
}

/** Seconds as 8 s, 2:05, 1:02:03. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '…';
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole}\u00a0s`;
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (value: number): string => String(value).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

export function count(value: number): string {
  return value.toLocaleString('en-US').replaceAll(',', '\u202f');
}
