// Numbers as a reader wants them: six significant digits, and powers of ten only where they are needed.
export function shown(value: number | null): string {
  if (value === null || Number.isNaN(value)) return 'not a number';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞';
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size < 1e-4 || size >= 1e7) {
    const [digits = '', power = ''] = value.toExponential(3).split('e');
    return `${digits.replace(/\.?0+$/, '')}·10${superscript(power.replace('+', ''))}`.replace(
      '-',
      '−',
    );
  }
  return String(Number(value.toPrecision(6))).replace('-', '−');
}

function superscript(power: string): string {
  return [...power].map((sign) => (sign === '-' ? '⁻' : '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(sign)])).join('');
}

export function fixed(value: number, digits: number): string {
  return value.toFixed(digits).replace('-', '−');
}
