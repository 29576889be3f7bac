import{createRequire as tailgateCreateRequire}from'node:module';const require=tailgateCreateRequire(import.meta.url);
var current={timeoutMs:1e4,drainMs:2e3,observeAcknowledgements:"none",failureEvents:["exception"],deliveries:[],jwt:null,seed:1,shard:{index:0,count:1}},engineSettings=()=>current,setEngineSettings=settings=>{current=settings};export{engineSettings,setEngineSettings};
