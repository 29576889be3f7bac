'use strict';

/** Stands for Artillery 1's HTTP engine, which the package constructs; flows are run by our own code. */
module.exports = class EngineHttp {};
