(* The first absolute moment on the sphere as an integral of powers of the sine, and its lower bound. *)
From Coq Require Import Reals Lra Lia.
From Coquelicot Require Import Coquelicot.
Local Open Scope R_scope.

Definition sine_integral (n : nat) : R := RInt (fun x => sin x ^ n) 0 (PI / 2).

Lemma continuous_sin_pow n (x : R) : continuous (fun x => sin x ^ n) x.
Proof. apply (ex_derive_continuous (fun x => sin x ^ n)); auto_derive; easy. Qed.

Lemma ex_RInt_sin_pow n a b : ex_RInt (fun x => sin x ^ n) a b.
Proof. apply (ex_RInt_continuous (fun x => sin x ^ n)); intros; apply continuous_sin_pow. Qed.

Lemma sine_integral_0 : sine_integral 0 = PI / 2.
Proof. unfold sine_integral; simpl; rewrite RInt_const; unfold scal; simpl; unfold mult; simpl; ring. Qed.

Lemma sine_integral_1 : sine_integral 1 = 1.
Proof.
apply is_RInt_unique; assert (e : - cos (PI / 2) - - cos 0 = 1) by (rewrite cos_PI2, cos_0; ring).
refine (eq_ind _ (fun l : R => is_RInt _ _ _ l) _ _ e).
apply (is_RInt_derive (fun x => - cos x) (fun x => sin x ^ 1)).
- intros x _; auto_derive; [easy|ring].
- intros; apply continuous_sin_pow.
Qed.

Lemma sine_integral_SS n : INR (n + 2) * sine_integral (n + 2) = INR (n + 1) * sine_integral n.
Proof.
pose (F x := sin x ^ (n + 1) * cos x).
assert (i : is_RInt (fun x => INR (n + 1) * sin x ^ n - INR (n + 2) * sin x ^ (n + 2)) 0 (PI / 2) (F (PI / 2) - F 0)).
  apply (is_RInt_derive F (fun x => INR (n + 1) * sin x ^ n - INR (n + 2) * sin x ^ (n + 2))).
  - intros x _; unfold F; auto_derive; [easy|].
    replace (pred (n + 1)) with n by lia; replace (n + 2)%nat with (S (n + 1)) by lia; rewrite S_INR.
    replace (n + 1)%nat with (S n) by lia; simpl (sin x ^ _); set (s := sin x); set (c := cos x).
    assert (sc := sin2_cos2 x); unfold Rsqr in sc; fold s c in sc.
    generalize (s ^ n) (INR (S n)); intros q k.
    replace (1 * c * (k * q) * c) with (k * q * (c * c)) by ring.
    replace (c * c) with (1 - s * s) by lra; ring.
  - intros x _; apply (ex_derive_continuous (fun x => INR (n + 1) * sin x ^ n - INR (n + 2) * sin x ^ (n + 2))).
    auto_derive; easy.
assert (j : is_RInt (fun x => INR (n + 1) * sin x ^ n - INR (n + 2) * sin x ^ (n + 2)) 0 (PI / 2)
              (INR (n + 1) * sine_integral n - INR (n + 2) * sine_integral (n + 2))).
  apply (is_RInt_minus (fun x => INR (n + 1) * sin x ^ n) (fun x => INR (n + 2) * sin x ^ (n + 2)));
    apply (is_RInt_scal (fun x => sin x ^ _)); apply (RInt_correct (fun x => sin x ^ _)), ex_RInt_sin_pow.
assert (e := is_RInt_unique _ _ _ _ i); rewrite (is_RInt_unique _ _ _ _ j) in e.
assert (z : F (PI / 2) - F 0 = 0) by (unfold F; rewrite cos_PI2, sin_0, pow_i by lia; ring).
lra.
Qed.

Lemma sine_integral_decreases n : sine_integral (S n) <= sine_integral n.
Proof.
assert (p := PI_RGT_0); apply RInt_le; [lra|apply ex_RInt_sin_pow|apply ex_RInt_sin_pow|].
intros x [x0 x1]; assert (s0 : 0 <= sin x) by (apply sin_ge_0; lra); assert (s1 := SIN_bound x).
simpl; assert (0 <= sin x ^ n) by now apply pow_le.
nra.
Qed.

Lemma sine_integral_product n : INR (n + 1) * (sine_integral n * sine_integral (n + 1)) = PI / 2.
Proof.
induction n as [|n IH]; [simpl; rewrite sine_integral_0, sine_integral_1; ring|].
replace (S n + 1)%nat with (n + 2)%nat by lia; replace (S n) with (n + 1)%nat by lia.
rewrite <- IH, <- Rmult_assoc, (Rmult_comm _ (sine_integral (n + 1))), Rmult_assoc, sine_integral_SS; ring.
Qed.

(* n times the square of the integral of sin^(n-1) is at least pi/2. *)
Lemma sine_integral_sqr n : PI / 2 <= INR (n + 1) * (sine_integral n * sine_integral n).
Proof.
rewrite <- (sine_integral_product n); apply Rmult_le_compat_l; [apply pos_INR|].
apply Rmult_le_compat_l; [|replace (n + 1)%nat with (S n) by lia; apply sine_integral_decreases].
assert (p := PI_RGT_0); apply RInt_ge_0; [lra|apply ex_RInt_sin_pow|].
intros x [x0 x1]; apply pow_le, sin_ge_0; lra.
Qed.
