import { useState } from 'preact/hooks';
import { ToggleGroup } from '../../components/ToggleGroup';
import { GaussianCloud } from './GaussianCloud';
import { ThreePoints } from './ThreePoints';
import { Widget } from './Widget';

const kClouds = [
  { value: 'points', label: 'Three points' },
  { value: 'gaussian', label: 'Gaussian cloud' },
] as const;

export function CenteringWidget() {
  const [cloud, setCloud] = useState<'points' | 'gaussian'>('points');
  return (
    <Widget
      id="try-centering"
      intro="Taking the mean away from all keys costs attention nothing. It was published that this never lowers the best value a rotation can reach, and raises it when the mean is not zero. Two clouds say otherwise."
    >
      <ToggleGroup
        label="Cloud"
        className="segmented"
        on={[cloud]}
        toggle={setCloud}
        options={kClouds}
      />
      {cloud === 'points' ? <ThreePoints /> : <GaussianCloud />}
    </Widget>
  );
}
