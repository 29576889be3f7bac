import{createRequire as tailgateCreateRequire}from'node:module';const require=tailgateCreateRequire(import.meta.url);
import{require_socket}from"./chunk-XYSYKZAE.js";import"./chunk-66B2ZEXS.js";export default require_socket();
