//! Rust types for Spin's interfaces, generated from `wit/`.

/// What a component may import beyond WASI.
pub mod imports {
    wasmtime::component::bindgen!({
        path: ["../../wit/deps/spin-redis@3.0.0", "../../wit/deps/spin-variables@3.0.0"],
        inline: "
            package host:imports;
            world imports {
                import spin:redis/redis@3.0.0;
                import spin:variables/variables@3.0.0;
            }
        ",
        with: { "spin:redis/redis.connection": crate::outbound_redis::Connection },
    });

    pub use spin::redis::redis;
    pub use spin::variables::variables;
}

/// What a component exports that is run by the Redis trigger.
pub mod subscriber {
    wasmtime::component::bindgen!({
        path: "../../wit/deps/spin-redis@3.0.0",
        inline: "
            package host:subscriber;
            world subscriber {
                export spin:redis/inbound-redis@3.0.0;
            }
        ",
        with: { "spin:redis/redis": super::imports::redis },
        require_store_data_send: true,
    });
}
