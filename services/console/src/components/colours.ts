/** Of what needs attention soon; white text on it has a contrast of 6, which orange of the theme has not. */
export const WARNING = '#a63a08';
