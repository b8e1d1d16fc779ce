(* MR-3: moment ratios of the Laplace, triangular and arcsine laws.                                *)
From Coq Require Import Reals Lra.
From Coquelicot Require Import Coquelicot.
From Routegauge Require Import Gaussian.
Local Open Scope R_scope.

(* A primitive of (p + q x + s x^2) e^-x. *)
Definition exp_primitive (p q s x : R) : R := - ((s * x ^ 2 + (q + 2 * s) * x + (p + q + 2 * s)) * exp (- x)).

Lemma is_derive_exp_primitive p q s (x : R) :
  is_derive (exp_primitive p q s) x ((p + q * x + s * x ^ 2) * exp (- x)).
Proof. unfold exp_primitive; auto_derive; [easy|set (e := exp _); simpl; ring]. Qed.

Lemma continuous_quadratic_exp p q s (x : R) : continuous (fun x => (p + q * x + s * x ^ 2) * exp (- x)) x.
Proof. apply (ex_derive_continuous (fun x => (p + q * x + s * x ^ 2) * exp (- x))); auto_derive; easy. Qed.

Lemma sqr_exp_le x : 0 < x -> x ^ 2 * exp (- x) <= 27 * / x.
Proof.
intro x0; assert (h : x / 3 < exp (x / 3)) by (generalize (exp_ineq1_le (x / 3)); lra).
assert (e : exp x = exp (x / 3) * exp (x / 3) * exp (x / 3)) by (rewrite <- !exp_plus; f_equal; field).
assert (c : x / 3 * (x / 3) * (x / 3) <= exp x).
  rewrite e; assert (0 < x / 3) by lra.
  apply Rmult_le_compat; [nra|lra|apply Rmult_le_compat; lra|lra].
rewrite exp_Ropp; assert (p := exp_pos x).
apply (Rmult_le_reg_r (exp x)); [easy|]; apply (Rmult_le_reg_r x); [easy|].
replace (x ^ 2 * / exp x * exp x * x) with (x ^ 3) by (field; lra).
replace (27 * / x * exp x * x) with (27 * exp x) by (field; lra).
lra.
Qed.

Lemma lim_exp_primitive p q s : is_lim (exp_primitive p q s) p_infty 0.
Proof.
pose (B := Rabs s + Rabs (q + 2 * s) + Rabs (p + q + 2 * s)).
assert (B0 : 0 <= B).
  unfold B; generalize (Rabs_pos s) (Rabs_pos (q + 2 * s)) (Rabs_pos (p + q + 2 * s)); lra.
assert (lim : is_lim (fun x => 27 * B / 2 * (2 * / x)) p_infty 0).
  assert (e : 27 * B / 2 * 0 = 0) by ring.
  refine (eq_ind _ (fun l : R => is_lim _ p_infty l) _ _ e).
  apply (is_lim_scal_l (fun x => 2 * / x) (27 * B / 2) p_infty 0), lim_inv2.
apply (is_lim_le_le_loc (fun x => - (27 * B / 2 * (2 * / x))) (fun x => 27 * B / 2 * (2 * / x))); [| |exact lim].
2: assert (e : - 0 = 0) by ring; refine (eq_ind _ (fun l : R => is_lim _ p_infty l) _ _ e).
2: apply (is_lim_opp (fun x => 27 * B / 2 * (2 * / x)) p_infty 0), lim.
exists 1; intros x x1; apply Rabs_le_between.
unfold exp_primitive; rewrite Rabs_Ropp, Rabs_mult, (Rabs_pos_eq (exp _)) by apply Rlt_le, exp_pos.
assert (h := sqr_exp_le x ltac:(lra)).
assert (b : Rabs (s * x ^ 2 + (q + 2 * s) * x + (p + q + 2 * s)) <= B * x ^ 2).
  eapply Rle_trans; [apply Rabs_triang|].
  eapply Rle_trans; [apply Rplus_le_compat_r, Rabs_triang|].
  rewrite !Rabs_mult, (Rabs_pos_eq x), (Rabs_pos_eq (x ^ 2)) by nra; unfold B.
  assert (h1 := Rabs_pos (q + 2 * s)); assert (h2 := Rabs_pos (p + q + 2 * s)).
  assert (Rabs (q + 2 * s) * x <= Rabs (q + 2 * s) * x ^ 2) by (apply Rmult_le_compat_l; nra).
  assert (Rabs (p + q + 2 * s) * 1 <= Rabs (p + q + 2 * s) * x ^ 2) by (apply Rmult_le_compat_l; nra).
  lra.
apply Rle_trans with (B * x ^ 2 * exp (- x)); [apply Rmult_le_compat_r; [apply Rlt_le, exp_pos|easy]|].
replace (27 * B / 2 * (2 * / x)) with (B * (27 * / x)) by (field; lra).
rewrite Rmult_assoc; now apply Rmult_le_compat_l.
Qed.

(* Both halves of the mean of a function that is a quadratic polynomial in |x|. *)
Lemma laplace_mean (f : R -> R) p q s : (forall x, f x = p + q * Rabs x + s * Rabs x ^ 2) ->
  is_RInt_gen (fun x => f x * (exp (- Rabs x) / 2)) (Rbar_locally m_infty) (Rbar_locally p_infty) (p + q + 2 * s).
Proof.
intro fE.
assert (right : is_RInt_gen (fun x => f x * (exp (- Rabs x) / 2)) (at_point 0) (Rbar_locally p_infty)
                  (/ 2 * (0 - exp_primitive p q s 0))).
  apply (is_RInt_gen_ext (fun x => scal (/ 2) ((p + q * x + s * x ^ 2) * exp (- x)))).
    exists (fun x => x = 0) (fun x => 0 < x); [reflexivity|now exists 0|].
    intros x y -> y0 z [z1 _]; simpl in z1; rewrite Rmin_left in z1 by lra.
    rewrite fE, Rabs_pos_eq by lra.
    change (@eq R (/ 2 * ((p + q * z + s * z ^ 2) * exp (- z))) ((p + q * z + s * z ^ 2) * (exp (- z) / 2))).
    field.
  apply (is_RInt_gen_scal (fun x => (p + q * x + s * x ^ 2) * exp (- x))).
  apply (is_RInt_gen_primitive _ _ _ _ _ (exp_primitive p q s)).
  - apply is_derive_exp_primitive.
  - apply continuous_quadratic_exp.
  - intros A hA; unfold filtermap, at_point; now apply locally_singleton.
  - apply lim_exp_primitive.
assert (left : is_RInt_gen (fun x => f x * (exp (- Rabs x) / 2)) (Rbar_locally m_infty) (at_point 0)
                 (/ 2 * (- exp_primitive p q s (- 0) - - 0))).
  apply (is_RInt_gen_ext (fun x => scal (/ 2) ((p + q * (- x) + s * (- x) ^ 2) * exp (- - x)))).
    exists (fun x => x < 0) (fun x => x = 0); [now exists 0|reflexivity|].
    intros x y x0 -> z [_ z1]; simpl in z1; rewrite Rmax_right in z1 by lra.
    rewrite fE, Rabs_left by lra.
    change (@eq R (/ 2 * ((p + q * - z + s * (- z) ^ 2) * exp (- - z)))
              ((p + q * - z + s * (- z) ^ 2) * (exp (- - z) / 2))).
    field.
  apply (is_RInt_gen_scal (fun x => (p + q * (- x) + s * (- x) ^ 2) * exp (- - x))).
  apply (is_RInt_gen_primitive _ _ _ _ _ (fun x => - exp_primitive p q s (- x))).
  - intro x; apply (is_derive_eq _ _ (- (- 1 * ((p + q * - x + s * (- x) ^ 2) * exp (- - x))))); [|ring].
    apply (is_derive_opp (fun x => exp_primitive p q s (- x))).
    apply (is_derive_comp (exp_primitive p q s) (fun x => - x)); [apply is_derive_exp_primitive|].
    auto_derive; [easy|ring].
  - intro x; apply (ex_derive_continuous (fun x => (p + q * - x + s * (- x) ^ 2) * exp (- - x))).
    auto_derive; easy.
  - apply (is_lim_opp (fun x => exp_primitive p q s (- x)) m_infty 0), lim_minus_infinity.
    apply (is_lim_ext (exp_primitive p q s)); [intro x; now rewrite Ropp_involutive|apply lim_exp_primitive].
  - intros A hA; unfold filtermap, at_point; now apply locally_singleton.
assert (both := is_RInt_gen_Chasles _ _ _ _ left right).
refine (eq_ind _ (fun l : R => is_RInt_gen _ _ _ l) both _ _).
unfold plus, exp_primitive; simpl; rewrite !Ropp_0, exp_0; field.
Qed.

(* MR-3. For the Laplace law of scale 1, of density exp(-|x|)/2, the mean of |X| is 1, the mean of X^2 *)
(* is 2, and so the moment ratio is 1/2; another scale does not change a ratio.                        *)
Theorem MR_3_b_laplace_one_half :
  is_RInt_gen (fun x => 1 * (exp (- Rabs x) / 2)) (Rbar_locally m_infty) (Rbar_locally p_infty) 1 /\
  is_RInt_gen (fun x => Rabs x * (exp (- Rabs x) / 2)) (Rbar_locally m_infty) (Rbar_locally p_infty) 1 /\
  is_RInt_gen (fun x => x ^ 2 * (exp (- Rabs x) / 2)) (Rbar_locally m_infty) (Rbar_locally p_infty) 2 /\
  1 ^ 2 / 2 = 1 / 2.
Proof.
assert (e1 : 1 + 0 + 2 * 0 = 1) by ring; assert (e2 : 0 + 1 + 2 * 0 = 1) by ring.
assert (e3 : 0 + 0 + 2 * 1 = 2) by ring.
split; [|split; [|split]]; [| | |field].
- refine (eq_ind _ (fun l : R => is_RInt_gen _ _ _ l) (laplace_mean (fun _ => 1) 1 0 0 _) _ e1); intro x; ring.
- refine (eq_ind _ (fun l : R => is_RInt_gen _ _ _ l) (laplace_mean Rabs 0 1 0 _) _ e2); intro x; ring.
- refine (eq_ind _ (fun l : R => is_RInt_gen _ _ _ l) (laplace_mean (fun x => x ^ 2) 0 0 1 _) _ e3).
  intro x; rewrite <- (Rsqr_pow2 (Rabs x)), <- Rsqr_abs; unfold Rsqr; ring.
Qed.

Lemma is_RInt_primitive (f F : R -> R) (a b : R) : (forall x : R, is_derive F x (f x)) ->
  (forall x : R, continuous f x) -> is_RInt f a b (F b - F a).
Proof. intros dF cf; apply (is_RInt_derive F f); intros x _; [apply dF|apply cf]. Qed.

(* The integral of an even function that is a polynomial on the right half. *)
Lemma is_RInt_even (f g G : R -> R) (a : R) : 0 < a -> (forall x, f (- x) = f x) ->
  (forall x : R, is_derive G x (g x)) -> (forall x : R, continuous g x) ->
  (forall x, 0 < x < a -> f x = g x) -> is_RInt f (- a) a (2 * (G a - G 0)).
Proof.
intros a0 ev dG cg fg.
assert (right : is_RInt f 0 a (G a - G 0)).
  apply (is_RInt_ext g); [|now apply is_RInt_primitive].
  intros x [x0 x1]; rewrite Rmin_left in x0 by lra; rewrite Rmax_right in x1 by lra; symmetry; apply fg; lra.
assert (left : is_RInt f (- a) 0 (G a - G 0)).
  assert (r : is_RInt f (- - a) (- 0) (opp (G a - G 0))).
    rewrite Ropp_involutive, Ropp_0; exact (is_RInt_swap f a 0 _ right).
  assert (l := is_RInt_comp_opp _ _ _ _ r).
  apply (is_RInt_ext (fun x => opp (opp (f (- x))))).
    intros x _; rewrite ev; apply Ropp_involutive.
  rewrite <- (Ropp_involutive (G a - G 0)); exact (is_RInt_opp _ _ _ _ l).
refine (eq_ind _ (fun v : R => is_RInt _ _ _ v) (is_RInt_Chasles _ _ _ _ _ _ left right) _ _).
unfold plus; simpl; ring.
Qed.

(* MR-3. For the triangular law on [-a, a], of density (a - |x|)/a^2, the mean of |X| is a/3, the mean *)
(* of X^2 is a^2/6, and so the moment ratio is 2/3.                                                    *)
Theorem MR_3_c_triangular_two_thirds (a : R) : 0 < a ->
  is_RInt (fun x => 1 * ((a - Rabs x) / a ^ 2)) (- a) a 1 /\
  is_RInt (fun x => Rabs x * ((a - Rabs x) / a ^ 2)) (- a) a (a / 3) /\
  is_RInt (fun x => x ^ 2 * ((a - Rabs x) / a ^ 2)) (- a) a (a ^ 2 / 6) /\
  (a / 3) ^ 2 / (a ^ 2 / 6) = 2 / 3.
Proof.
intro a0; split; [|split; [|split; [|field; lra]]].
- refine (eq_ind _ (fun v : R => is_RInt _ _ _ v) (is_RInt_even _ (fun x => (a - x) / a ^ 2)
    (fun x => (a * x - x ^ 2 / 2) / a ^ 2) a a0 _ _ _ _) _ _).
  + intro x; now rewrite Rabs_Ropp.
  + intro x; auto_derive; [easy|field; lra].
  + intro x; apply (ex_derive_continuous (fun x => (a - x) / a ^ 2)); auto_derive; easy.
  + intros x [x0 _]; rewrite Rabs_pos_eq by lra; ring.
  + field; lra.
- refine (eq_ind _ (fun v : R => is_RInt _ _ _ v) (is_RInt_even _ (fun x => x * (a - x) / a ^ 2)
    (fun x => (a * x ^ 2 / 2 - x ^ 3 / 3) / a ^ 2) a a0 _ _ _ _) _ _).
  + intro x; now rewrite Rabs_Ropp.
  + intro x; auto_derive; [easy|field; lra].
  + intro x; apply (ex_derive_continuous (fun x => x * (a - x) / a ^ 2)); auto_derive; easy.
  + intros x [x0 _]; rewrite Rabs_pos_eq by lra; field; lra.
  + field; lra.
- refine (eq_ind _ (fun v : R => is_RInt _ _ _ v) (is_RInt_even _ (fun x => x ^ 2 * (a - x) / a ^ 2)
    (fun x => (a * x ^ 3 / 3 - x ^ 4 / 4) / a ^ 2) a a0 _ _ _ _) _ _).
  + intro x; rewrite Rabs_Ropp; f_equal; ring.
  + intro x; auto_derive; [easy|field; lra].
  + intro x; apply (ex_derive_continuous (fun x => x ^ 2 * (a - x) / a ^ 2)); auto_derive; easy.
  + intros x [x0 _]; rewrite Rabs_pos_eq by lra; field; lra.
  + field; lra.
Qed.

(* MR-3. For the arcsine law, the law of sin U with U uniform on [-pi/2, pi/2] (or of cos U), the mean *)
(* of |X| is 2/pi, the mean of X^2 is 1/2, and so the moment ratio is 8/pi^2. (The integrals are over U, *)
(* with density 1/pi.)                                                                                   *)
Theorem MR_3_d_arcsine_eight_over_pi_squared :
  is_RInt (fun u => Rabs (sin u) * / PI) (- (PI / 2)) (PI / 2) (2 / PI) /\
  is_RInt (fun u => sin u ^ 2 * / PI) (- (PI / 2)) (PI / 2) (1 / 2) /\
  (2 / PI) ^ 2 / (1 / 2) = 8 / PI ^ 2.
Proof.
assert (p := PI_RGT_0); assert (h : 0 < PI / 2) by lra.
split; [|split; [|field; lra]].
- refine (eq_ind _ (fun v : R => is_RInt _ _ _ v) (is_RInt_even _ (fun u => sin u * / PI)
    (fun u => - cos u * / PI) (PI / 2) h _ _ _ _) _ _).
  + intro u; now rewrite sin_neg, Rabs_Ropp.
  + intro u; auto_derive; [easy|ring].
  + intro u; apply (ex_derive_continuous (fun u => sin u * / PI)); auto_derive; easy.
  + intros u [u0 u1]; rewrite Rabs_pos_eq; [easy|apply Rlt_le, sin_gt_0; lra].
  + rewrite cos_PI2, cos_0; field; lra.
- refine (eq_ind _ (fun v : R => is_RInt _ _ _ v) (is_RInt_primitive (fun u => sin u ^ 2 * / PI)
    (fun u => (u - sin u * cos u) / 2 * / PI) (- (PI / 2)) (PI / 2) _ _) _ _).
  + intro u; auto_derive; [easy|].
    assert (sc := sin2_cos2 u); unfold Rsqr in sc; set (s := sin u) in *; set (c := cos u) in *.
    set (i := / PI); replace (s ^ 2) with ((1 + s * s - c * c) / 2) by nra; field.
  + intro u; apply (ex_derive_continuous (fun u => sin u ^ 2 * / PI)); auto_derive; easy.
  + rewrite sin_neg, cos_neg, cos_PI2; field; lra.
Qed.
