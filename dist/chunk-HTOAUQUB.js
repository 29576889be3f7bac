import{createRequire as tailgateCreateRequire}from'node:module';const require=tailgateCreateRequire(import.meta.url);
import{__commonJS}from"./chunk-66B2ZEXS.js";var require_engine_util=__commonJS({"src/engines/socketio-v3/artillery-1/engine-util.cjs"(exports,module){"use strict";module.exports={}}});export{require_engine_util};
