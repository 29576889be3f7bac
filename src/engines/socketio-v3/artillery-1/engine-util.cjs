'use strict';

/** Artillery 1's helpers for engines, filled in by socketio-v3-engine.ts before the package is loaded. */
module.exports = {};
