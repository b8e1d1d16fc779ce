// A share of something as an arc of a ring: the whole circle is 1.
export interface RingProps {
  share: number; // within [0, 1]; others are drawn as the nearest of these
  label: string;
  bad?: boolean;
}

export function Ring({ share, label, bad = false }: RingProps) {
  const arc = Math.min(Math.max(share, 0), 1);
  return (
    <svg class={`share-ring ${bad ? 'bad' : ''}`} viewBox="0 0 20 20" role="img" aria-label={label}>
      <title>{label}</title>
      <circle class="share-whole" cx="10" cy="10" r="7.5" />
      {arc > 0 && (
        <circle
          class="share-arc"
          cx="10"
          cy="10"
          r="7.5"
          pathLength="1"
          stroke-dasharray={`${arc} 1`}
          transform="rotate(-90 10 10)"
        />
      )}
    </svg>
  );
}
