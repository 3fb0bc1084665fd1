fn main() {
    checks::main_of("ex02", checks::ex02::checks(ex02_lock::try_lock));
}
