// How the server's memory is managed, where it is linked with jemalloc (CMakeLists.txt): what is
// freed goes back to the system a second later, by a thread of its own. With the C library's,
// batches that one thread makes and another frees leave four times what is in use
// (docs/performance.md).

extern "C" {
// Read by jemalloc when it begins; jemalloc(3), TUNING.
extern const char* malloc_conf;
const char* malloc_conf = "background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0";
}
