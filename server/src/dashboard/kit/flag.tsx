import type { VNode } from 'preact';
import { ownValue } from '../../domain/own-value.ts';
import { FLAGS } from './flags.ts';

/** The flag of a country, drawn in the page because Windows has no flags among its letters. It is decoration beside the name. */
export function Flag({ code }: { code: string }): VNode {
  const shapes = ownValue(FLAGS, code)?.split(';') ?? [];
  return (
    <svg class="flag" viewBox="0 0 90 60" aria-hidden="true">
      {shapes.map(shapeOf)}
    </svg>
  );
}

/** Draws a shape such as `#fff M0 0h90v60h-90z`, or `none/#000/2 M45 …` with stroke and width. */
function shapeOf(shape: string): VNode {
  const space = shape.indexOf(' ');
  const [fill, stroke, width] = shape.slice(0, space).split('/');
  return <path d={shape.slice(space + 1)} fill={fill} stroke={stroke} stroke-width={width} />;
}
