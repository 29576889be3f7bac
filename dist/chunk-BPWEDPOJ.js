import{createRequire as tailgateCreateRequire}from'node:module';const require=tailgateCreateRequire(import.meta.url);
var package_default={version:"2.0.34"};var package_default2={version:"0.1.0"};var tailgateVersion=package_default2.version,artilleryVersion=package_default.version;export{tailgateVersion,artilleryVersion};
