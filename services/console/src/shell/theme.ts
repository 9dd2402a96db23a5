import { createTheme } from '@mantine/core';

/** System fonts, so that nothing is loaded, and Chinese looks as elsewhere on the machine. */
const FONTS =
  "system-ui, -apple-system, 'Segoe UI', Roboto, 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif";

/** Colours have the contrast that WCAG 2 AA asks for, in light and dark. */
export const theme = createTheme({
  fontFamily: FONTS,
  headings: { fontFamily: FONTS },
  primaryColor: 'indigo',
  primaryShade: { light: 8, dark: 8 },
  autoContrast: true,
  respectReducedMotion: true,
  defaultRadius: 'sm',
  components: {
    Modal: { defaultProps: { transitionProps: { duration: 0 } } },
    Anchor: { defaultProps: { underline: 'always' } },
  },
});
