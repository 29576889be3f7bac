import{createRequire as tailgateCreateRequire}from'node:module';const require=tailgateCreateRequire(import.meta.url);
import{__commonJS}from"./chunk-66B2ZEXS.js";var require_http=__commonJS({"builtin:http"(exports,module){module.exports=process.getBuiltinModule("node:http")}});export{require_http};
