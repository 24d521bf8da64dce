const paths = {
  close: 'M4 4l8 8M12 4l-8 8',
  play: 'M5 3.5v9l7-4.5z',
  pause: 'M5.500 3.500v9M10.500 3.500v9',
  stop: 'M4.500 4.500h7v7h-7z',
  clock: 'M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM8 4.800V8l2.200 1.600',
  left: 'M10 3.500L5.500 8l4.500 4.500',
  right: 'M6 3.500L10.500 8L6 12.500',
  up: 'M3.500 10L8 5.500l4.500 4.500',
  down: 'M3.500 6L8 10.500L12.500 6',
  zoomOut: 'M7 2.500a4.500 4.500 0 1 0 0 9a4.500 4.500 0 0 0 0-9zM10.300 10.300L13.500 13.500M5 7h4',
  plus: 'M8 3.500v9M3.500 8h9',
  minus: 'M3.500 8h9',
  copy: 'M5.500 5.500h7v7h-7zM3.500 10.500v-7h7',
  link: 'M6.800 9.200a2.600 2.600 0 0 0 3.700 0l2-2a2.600 2.600 0 0 0-3.700-3.700l-.7.7M9.200 6.800a2.600 2.600 0 0 0-3.700 0l-2 2a2.600 2.600 0 0 0 3.700 3.700l.7-.7',
  columns: 'M2.500 3.500h11v9h-11zM6.200 3.500v9M9.800 3.500v9',
  facets: 'M2.500 3.500h11v9h-11zM6.200 3.500v9',
  table: 'M2.500 3.500h11v9h-11zM2.500 6.500h11M2.500 9.500h11M7 3.500v9',
  settings: 'M2.500 5h5M11 5h2.500M2.500 11H5M8.500 11h5M9.200 3.300v3.400M6.700 9.300v3.400',
  help: 'M6 6.200a2 2 0 1 1 2.900 1.800c-.6.3-.9.700-.9 1.400M8 11.700v.1',
  wrap: 'M2.500 4h11M2.500 8h8.500a2 2 0 0 1 0 4H8.500M10 10.500L8.500 12l1.500 1.500M2.500 12h3',
} as const;

export type IconName = keyof typeof paths;

/** A sign of 16 by 16 px in the colour of the text; the button around it carries the name. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}
